"""The stylesheet of the drawn dashboard: light and dark, the 24 columns of CloudWatch, one column on small screens."""

STYLE = """
:root { color-scheme: light dark; --paper: #f4f4f1; --card: #fff; --ink: #1a1f26; --soft: #59636e; --line: #dddcd6;
  --faint: #ebebe6; --link: #1f57a4; --ok: #14653a; --alarm: #b3261e; --ok-tint: #e3f2e8; --alarm-tint: #fbe7e4; }
@media (prefers-color-scheme: dark) { :root { --paper: #0f1317; --card: #161b21; --ink: #e7eaee; --soft: #9ca7b3;
  --line: #2b333c; --faint: #232b33; --link: #8ab8f2; --ok: #74cd99; --alarm: #ff9c92; --ok-tint: #173325;
  --alarm-tint: #3d1e1c; } .series, .band, circle, .swatch rect, .bound { filter: brightness(1.25); } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1600px; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1, h2, h3, p, ul, dl, dd, pre { margin: 0; padding: 0; } ul { list-style: none; }
h1 { font-size: 1.7rem; letter-spacing: -.02em; } h2 { font-size: 1.2rem; letter-spacing: -.01em; }
h3 { font-size: .92rem; line-height: 1.3; } a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.note, .facts, i { color: var(--soft); font-style: normal; } .note { font-size: .8rem; }
.failed { color: var(--alarm); }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin-top: .6rem; font-size: .85rem; }
.facts div { display: flex; gap: .4rem; } .facts dd { color: var(--ink); }
nav { margin: 1rem 0; padding: .5rem 0; border-block: 1px solid var(--line); font-size: .85rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .1rem 1rem; } nav a { text-decoration: none; }
.grid { display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); grid-auto-rows: minmax(34px, auto);
  gap: 8px; }
.widget { background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: .55rem .7rem;
  min-width: 0; }
.widget.text { background: none; border: 0; padding: .4rem .1rem 0; align-self: center; }
.text p { margin-top: .35rem; }
code { font: .92em ui-monospace, Menlo, Consolas, monospace; }
.graph { display: flex; flex-direction: column; gap: .2rem; } .graph > svg { width: 100%; height: auto; }
svg text { font-size: 11px; fill: var(--soft); } .tick { stroke: var(--faint); }
.band { opacity: .22; }
.series { fill: none; stroke-width: 1.7; stroke-linejoin: round; } .bound { stroke-dasharray: 5 4; stroke-width: 1.4; }
svg .name { fill: var(--ink); font-size: 10.5px;
  paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
svg .nothing { font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: .05rem .9rem; font-size: .8rem; max-height: 7.2rem; overflow-y: auto; }
.legend li { display: flex; gap: .35rem; align-items: center; min-width: 0; } .swatch { width: 10px; height: 10px;
  flex: none; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 1.6rem; margin-top: .3rem; } .figures div { display: flex;
  flex-direction: column-reverse; } .figures dt { color: var(--soft); font-size: .8rem; }
.figures dd { font-size: 1.25rem; font-weight: 650; line-height: 1.2; }
.figures dd i { font-weight: 400; font-size: 1rem; }
.states { display: flex; flex-wrap: wrap; gap: .35rem; margin-top: .4rem; font-size: .8rem; }
.state { border: 1px solid var(--line); border-radius: 5px; padding: .1rem .5rem; } .state b { color: var(--soft); }
.state.ok { background: var(--ok-tint); } .state.ok b { color: var(--ok); }
.state.alarm { background: var(--alarm-tint); } .state.alarm b { color: var(--alarm); }
pre { margin-top: .4rem; max-height: 11rem; overflow: auto; white-space: pre-wrap; font: .78rem/1.4 ui-monospace, Menlo,
  Consolas, monospace; }
@media (max-width: 899px) { .grid { display: block; } .widget { margin-bottom: 8px; } }
@media print { nav { display: none; } .widget { break-inside: avoid; } .legend, pre { max-height: none; } }
"""
