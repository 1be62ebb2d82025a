"""Where other programs call archmig: Alembic's env.py, pytest, an application that starts.

It may import every package; none imports it but the public modules of `architect_migrate`.
"""
