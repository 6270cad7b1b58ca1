"""Model ids, inference profiles and what is known of each foundation model."""
