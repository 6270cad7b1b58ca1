"""Environment files as commands find, read and change them."""
