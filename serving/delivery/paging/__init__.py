"""Paging services: an alert for each case or incident, under one stable key, from its opening to its end."""
