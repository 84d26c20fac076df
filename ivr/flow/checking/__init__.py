"""What can be said about whole flows before a call meets them."""
