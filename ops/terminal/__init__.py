"""The screen: streams, tables and progress."""
