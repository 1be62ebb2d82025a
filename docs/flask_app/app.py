"""A small Flask application that asks archmig for the state of its database before it serves anything.

    python app.py                       on the environment that ARCHMIG_ENV names, else the default one
    python app.py --skip-migrations     without looking at the database
    gunicorn 'app:create_app()'         the same for several workers

archmig uses the environments.toml that ARCHMIG_CONFIG names, else the first one in the current folder and its parents.
"""

from __future__ import annotations

import argparse
import logging

from flask import Flask, Response, jsonify, render_template_string

from architect_migrate import StartRefusedError, startup

PAGE = """<!doctype html>
<title>Database of {{ start.environment }}</title>
<h1>{{ start.environment }}: {{ start.state.value }}</h1>
<p>{{ start.message }}{% if start.advice %}. Next: <code>{{ start.advice }}</code>{% endif %}</p>
<table>
{% for name, value in start.as_dict().items() %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</table>
"""


def create_app(env: str | None = None, *, skip_migrations: bool = False) -> Flask:
    """Create the application; raises StartRefusedError if the policy on_pending = "refuse" forbids the start."""
    app = Flask(__name__)
    start = startup(env, skip=skip_migrations, logger=app.logger)

    @app.get("/health")
    def health() -> Response:
        # Why always ok: a supervisor that restarts unhealthy processes cannot repair the database's schema.
        return jsonify(status="ok", database=start.state.name.lower(), database_ok=start.ok)

    # These two show paths and revisions: put them behind the login of your administrators.
    @app.get("/admin/database")
    def database_page() -> str:
        return render_template_string(PAGE, start=start)

    @app.get("/admin/database.json")
    def database_json() -> Response:
        return jsonify(at_start=start.as_dict(), now=startup(env, on_pending="warn", logger=app.logger).as_dict())

    return app


def main() -> None:
    """Serve on 127.0.0.1 until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A small application with a database that archmig manages.")
    parser.add_argument("--env", help="the environment in environments.toml (else ARCHMIG_ENV, else the default)")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--debug", action="store_true", help="Flask's debugger and reloader")
    parser.add_argument("--skip-migrations", action="store_true", help="do not check the database's schema")
    words = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        app = create_app(words.env, skip_migrations=words.skip_migrations)
    except StartRefusedError as refusal:
        raise SystemExit(f"app.py: {refusal}") from None
    app.run("127.0.0.1", words.port, debug=words.debug)


if __name__ == "__main__":
    main()
