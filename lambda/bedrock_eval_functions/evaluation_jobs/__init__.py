"""The function that runs evaluations by Bedrock evaluation jobs: starts, looks, stops, collects, prunes."""
