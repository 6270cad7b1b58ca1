"""AWS as the commands ask it: whose credentials, which clients, and what an account says of models."""
