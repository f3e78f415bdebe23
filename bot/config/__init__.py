"""What an operator configures: settings, policy file, price list."""
