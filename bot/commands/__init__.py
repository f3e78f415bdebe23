"""What the commands `login`, `audit`, `manifest` and `check <link>` do."""
