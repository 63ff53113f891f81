"""Open Badges 3.0: making, signing, baking and checking them. Knows neither the host nor a database."""
