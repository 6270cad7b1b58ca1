"""What AWS says and is asked: records, price lists, requests, SDK versions."""
