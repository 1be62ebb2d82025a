"""The asynchronous engine of the application, and what it does with it."""

import os

from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.models import Note

URL = os.environ.get("NOTES_DATABASE_URL", "sqlite+aiosqlite:///./notes.db")
engine = create_async_engine(URL)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def add_note(title: str) -> int:
    async with sessions() as session:
        note = Note(title=title)
        session.add(note)
        await session.commit()
        return note.id


async def all_notes() -> list[str]:
    async with sessions() as session:
        return [*await session.scalars(select(Note.title).order_by(Note.id))]
