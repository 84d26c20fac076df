"""What errands may be asked of at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.backends.services import Services
from ivr.flow.loading.tables import Tables


@dataclass(frozen=True, slots=True)
class Sources:
    """The tables and services in force; a reload puts others in their place."""

    tables: Tables
    services: Services = field(default_factory=Services)
