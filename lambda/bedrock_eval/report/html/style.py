"""The report's stylesheet: colours in pairs for light and dark, text at least 4.5 to 1 on what it stands on."""

_COLOURS = """
:root { color-scheme: light dark;
  --paper: #f7f7f5; --card: #ffffff; --ink: #1a1f26; --soft: #59636e; --line: #e2e2dd; --faint: #eeeeea;
  --link: #1f57a4;
  --better: #14653a; --not_worse: #14653a; --worse: #b3261e; --inconclusive: #7d5200;
  --better-tint: #e3f2e8; --not_worse-tint: #e3f2e8; --worse-tint: #fbe7e4; --inconclusive-tint: #f8eed6;
  --del: #fbe3df; --ins: #dff1e4; --mark: #4a5561;
  --c0: #2860b5; --c1: #a84f12; --c2: #7044b4; --c3: #0d7474; --c4: #a82a70; --c5: #57616d; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #0f1317; --card: #161b21; --ink: #e7eaee; --soft: #9ca7b3; --line: #2b333c; --faint: #20272e;
  --link: #8ab8f2;
  --better: #74cd99; --not_worse: #74cd99; --worse: #ff9c92; --inconclusive: #e6b656;
  --better-tint: #173325; --not_worse-tint: #173325; --worse-tint: #3d1e1c; --inconclusive-tint: #362b14;
  --del: #4a2421; --ins: #1b3d2a; --mark: #b3bdc8;
  --c0: #86b4f7; --c1: #f0a570; --c2: #bda0f2; --c3: #62cbc6; --c4: #f193c2; --c5: #aab5c0; } }
"""

_PAGE = """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
.page { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: .5rem; background: var(--card);
  z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
h1, h2, h3, h4, p, ul, ol, dl, dd { margin: 0; padding: 0; } ul, ol { list-style: none; }
h1 { font-size: 2.1rem; line-height: 1.15; font-weight: 680; letter-spacing: -.02em; text-wrap: balance; }
h2 { font-size: 1.3rem; line-height: 1.25; font-weight: 660; letter-spacing: -.01em; }
h3 { font-size: .95rem; font-weight: 650; } h4 { font-size: .8rem; font-weight: 650; }
small, .soft { color: var(--soft); font-size: .85rem; font-weight: 400; }
.lead { font-size: 1.05rem; line-height: 1.45; max-width: 54rem; margin-top: .7rem; overflow-wrap: anywhere; }
.eyebrow { color: var(--soft); font-size: .8rem; font-weight: 600; letter-spacing: .04em; margin-bottom: .35rem; }
.facts { display: flex; flex-wrap: wrap; gap: .35rem 1.75rem; margin-top: 1rem; color: var(--soft);
  font-size: .85rem; }
.models { color: var(--ink); } .models li { overflow-wrap: anywhere; }
.facts + .facts { margin-top: .35rem; }
.facts div { display: flex; gap: .4rem; min-width: 0; } .facts dd { color: var(--ink); overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .85rem; }
nav { border-block: 1px solid var(--line); padding: .55rem 0; margin-top: 1.5rem; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
section { margin-top: 2.75rem; }
.note { color: var(--soft); max-width: 54rem; font-size: .9rem; }
h2 + * { margin-top: .9rem; } h2 + .note, h2 + div > .note:first-child { margin: .3rem 0 .9rem; }
.apart > * + * { margin-top: .9rem; } h3.pairing { margin: 1.4rem 0 .6rem; font-weight: 500; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.15rem; }
.chip { white-space: nowrap; font-weight: 600; }
.dot { display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--mark);
  margin-right: .4em; }
.c0 { --mark: var(--c0); } .c1 { --mark: var(--c1); } .c2 { --mark: var(--c2); }
.c3 { --mark: var(--c3); } .c4 { --mark: var(--c4); } .c5 { --mark: var(--c5); }
.few { color: var(--inconclusive); font-weight: 600; }
summary { cursor: pointer; } details.more { margin-top: .8rem; } details.more > summary { color: var(--link); }
details.more[open] > summary { margin-bottom: .8rem; }
"""

_TABLES = """
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
.card > table, .wide { margin: -.25rem 0; }
th, td { padding: .42rem 0 .42rem 1.1rem; text-align: right; vertical-align: middle;
  border-bottom: 1px solid var(--faint); }
th:first-child { padding-left: 0; }
thead th { color: var(--soft); font-weight: 600; font-size: .78rem; vertical-align: bottom;
  border-bottom-color: var(--line); }
tbody th { font-weight: 500; } th.text, td.text, th.plot, td.plot { text-align: left; }
tbody:last-child tr:last-child > * { border-bottom: 0; }
td.number { white-space: nowrap; }
td small, th[scope="row"] small { display: block; line-height: 1.3; font-weight: 400; }
tr.group th { text-align: left; padding-top: 1rem; font-weight: 650; border-bottom-color: var(--line); }
tbody:first-of-type tr.group th { padding-top: .5rem; }
td.plot, th.plot { width: 34%; min-width: 11rem; } th.plot { padding-bottom: .1rem; }
.ends > * { min-width: 0; overflow-wrap: anywhere; } .ends > :last-child { text-align: right; }
.ends { display: flex; justify-content: space-between; gap: 1rem; font-weight: 500; }
"""

_DRAWINGS = """
svg { display: block; overflow: visible; }
.plot { width: 100%; height: 24px; } .axis { width: 100%; height: 14px; }
.axis text { fill: var(--soft); font-size: 11px; text-anchor: middle; font-weight: 400; }
.tick { stroke: var(--faint); } .zero { stroke: var(--soft); } .bound { stroke: var(--worse);
  stroke-dasharray: 3 3; }
.span { stroke: var(--mark); stroke-width: 2.5; stroke-linecap: round; } .span.thin { stroke-width: 1.25; }
circle.mean { fill: var(--mark);
  stroke: var(--card); stroke-width: 1.5; }
.plot.better, .plot.not_worse { --mark: var(--better); } .plot.worse { --mark: var(--worse); }
.plot.inconclusive { --mark: var(--inconclusive); }
.symbol { width: 1rem; height: 1rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; flex: none; }
.word { display: inline-flex; align-items: center; gap: .35rem; font-weight: 650; }
.badge { white-space: nowrap; } td .word { overflow-wrap: anywhere; min-width: 0; }
.word.better { color: var(--better); } .word.not_worse { color: var(--not_worse); } .word.worse {
  color: var(--worse); }
.word.inconclusive { color: var(--inconclusive); }
.word.none { color: var(--soft); font-weight: 500; white-space: normal; }
.badge { padding: .16rem .6rem .16rem .45rem; border-radius: 99px; }
.badge.better { background: var(--better-tint); } .badge.not_worse { background: var(--not_worse-tint); }
.badge.worse { background: var(--worse-tint); } .badge.inconclusive { background: var(--inconclusive-tint); }
"""

_SECTIONS = """
.gates { display: grid; gap: .6rem; }
.gate { display: grid; grid-template-columns: 9.5rem minmax(0, 1.15fr) minmax(10rem, 1fr) minmax(0, 1.5fr);
  gap: .3rem 1.5rem;
  align-items: center; padding: .8rem 1.15rem; }
.gate h3 { line-height: 1.3; } .gate .told { font-size: .9rem; }
.tally { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .6rem; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: .9rem; }
.strip { margin-top: .6rem; } .strip .ends { align-items: baseline; font-size: .85rem; margin-bottom: .2rem; }
.histogram { height: 44px; width: 100%; } .histogram path { fill: var(--mark); opacity: .5; }
.histogram .base { stroke: var(--line); } .histogram .median { stroke: var(--ink); stroke-width: 1.5; }
.bar { height: 16px; width: 100%; } .share { fill: var(--mark); opacity: .5; } .rest { fill: var(--faint); }
.pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: .9rem; }
.scatter { width: 100%; max-width: 36rem; height: auto; }
.scatter text { font-size: 11px; fill: var(--soft); } .scatter .name { fill: var(--ink); font-size: 12px;
  font-weight: 600; }
.scatter .name { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.scatter .frame { stroke: var(--line); }
details.case { margin-top: .6rem; padding: 0; }
.case > summary { padding: .7rem 1.15rem; display: grid; grid-template-columns: minmax(0, 1fr) auto;
  gap: .1rem 1rem; }
.case > summary::marker { content: ""; } .case > summary::-webkit-details-marker { display: none; }
.case > summary .ask { font-weight: 550; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.case > summary .fall { text-align: right; white-space: nowrap; }
.case > summary .ask::before { content: "▸ " / ""; color: var(--soft); }
.case[open] > summary .ask::before { content: "▾ " / ""; }
.case[open] > summary { border-bottom: 1px solid var(--faint); }
.case > div { padding: .9rem 1.15rem 1.1rem; }
.said { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; font-size: .9rem; line-height: 1.5;
  max-height: 26rem; overflow-y: auto; }
.falls { font-size: .9rem; display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; margin-bottom: 1rem; }
.falls b { font-weight: 600; } .block { margin-bottom: 1rem; } .block h4 { color: var(--soft); margin-bottom: .25rem; }
.sides { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem; }
.sides > div { border-top: 2px solid var(--mark); padding-top: .5rem; min-width: 0; }
del { background: var(--del); text-decoration: underline dotted var(--worse); text-underline-offset: 3px; }
ins { background: var(--ins); text-decoration: underline solid var(--better); text-underline-offset: 3px; }
del, ins { border-radius: 2px; }
.method { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .6rem 1.5rem; font-size: .9rem; }
.method dt { font-weight: 600; } .method dd { max-width: 48rem; overflow-wrap: anywhere; }
.doc { white-space: pre-line; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; color: var(--soft);
  font-size: .85rem; }
"""

_NARROW = """
@media (min-width: 60.01rem) { .forest table { table-layout: fixed; } .forest thead th:nth-child(1) { width: 20%; }
  .forest thead th.plot { width: 32%; } .forest thead th:nth-child(3) { width: 16%; }
  .forest thead th:nth-child(n + 4) { width: 8.5%; } .forest thead th:last-child { width: auto; } }
@media (max-width: 60rem) { .gate { grid-template-columns: 8.5rem minmax(0, 1fr) minmax(0, 1fr); }
  .gate .told { grid-column: 2 / -1; } }
@media (max-width: 60rem) {
  .stacked, .stacked thead, .stacked tbody { display: block; } .stacked thead th:not(.plot) { display: none; }
  .stacked thead tr { padding: 0; border: 0; } .stacked thead th.plot { display: block; width: 100%; }
  .stacked tr { display: flex; flex-wrap: wrap; gap: 0 1.1rem; padding: .5rem 0;
    border-bottom: 1px solid var(--faint); }
  .stacked tbody:last-child tr:last-child { border-bottom: 0; }
  .stacked th, .stacked td, .stacked td.number { white-space: normal; }
  .stacked th, .stacked td { border: 0; padding: 0; text-align: left; min-width: 0; }
  .stacked tbody th, .stacked td.plot, .stacked td.text { width: 100%; } .stacked td:empty { display: none; }
  .stacked tbody tr.group th { padding: .6rem 0 .1rem; }
  .stacked td[data-label]::before { content: attr(data-label) " "; color: var(--soft); font-size: .85rem; }
  .stacked td small, .stacked tbody th small { display: inline; }
  .stacked small::before { content: " "; } }
@media (max-width: 44rem) {
  .scatter text { font-size: 14px; } .scatter .name { font-size: 15px; }
  .page { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.65rem; } section { margin-top: 2.25rem; }
  .card { padding: .85rem .9rem; }
  .gate { grid-template-columns: minmax(0, 1fr); } .gate .told { grid-column: 1; }
  .sides, .method { grid-template-columns: minmax(0, 1fr);
  gap: .75rem; }
  .method { gap: .15rem; } .method dd { margin-bottom: .7rem; }
  .case > summary { grid-template-columns: minmax(0, 1fr); }
  .case > summary .fall { text-align: left; white-space: normal; } }
@media print { :root { --paper: #fff; } body { font-size: 11px; } nav, .skip { display: none; }
  .page { max-width: none; padding: 0; } .card, .gate, tr { break-inside: avoid; } .said { max-height: none; }
  details::details-content { content-visibility: visible; block-size: auto; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
"""

STYLE = _COLOURS + _PAGE + _TABLES + _DRAWINGS + _SECTIONS + _NARROW
