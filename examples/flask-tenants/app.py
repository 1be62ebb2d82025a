"""Notes for several customers. Each has a database of its own: instance/tenants/NAME.db."""

import os
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(200), nullable=False)
    due = db.Column(db.Date, index=True)


def create_app():
    app = Flask(__name__, instance_path=str(Path(__file__).parent / "instance"))
    # The database of one customer; without one, that of the company itself.
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///main.db")
    db.init_app(app)
    Migrate(app, db)

    @app.get("/notes")
    def notes():
        return [{"id": note.id, "title": note.title} for note in db.session.scalars(db.select(Note))]

    return app
