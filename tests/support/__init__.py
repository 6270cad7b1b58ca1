"""What several folders of tests share, in modules by subject."""
