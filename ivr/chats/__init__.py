"""Chats on web sites: the visitors, their sockets, what they attach, and the agents who answer."""
