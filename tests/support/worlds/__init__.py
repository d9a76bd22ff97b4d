"""Small histories, trained models and databases."""
