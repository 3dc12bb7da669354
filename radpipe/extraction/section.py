"""What every section of a parameter file shares; each room declares its own keys with it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Number = int | float
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Index = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """Settings that belong together. Numbers keep the type that the file gives them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlaneSetting(Section):
    """Whether texture and filters stay in one plane: that across axis ``force2Ddimension``."""

    force2D: bool = False
    force2Ddimension: Annotated[int, Field(ge=0, le=2)] = 0
