"""The web application: `uvicorn app.main:app`."""

from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.database import add_note, all_notes
from architect_migrate import startup


@asynccontextmanager
async def lifespan(app: FastAPI):
    # It only reads, and takes milliseconds; what is wrong is in the log, and in /health.
    app.state.database = startup()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "ok", "database": app.state.database.state.name.lower()}


@app.get("/notes")
async def notes() -> list[str]:
    return await all_notes()


@app.post("/notes")
async def new_note(title: str) -> int:
    return await add_note(title)
