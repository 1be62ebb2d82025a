"""What the tests share: databases, chains, ways to run archmig, and questions to what came of it."""
