"""A demo: sixty past nights of a simulated company, worked by a simulated team through the code of production.

Nothing here writes a row by itself. Nights, timers, signals and actions of people are called as the commands and the
review app call them, at a simulated time, so that everything a page shows has come about as it would in a company.
"""
