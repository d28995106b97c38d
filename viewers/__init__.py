"""What a person sees: pages and reports."""
