"""What may be asked: one module for each matter, each a class that declares its routes."""
