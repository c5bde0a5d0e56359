"""A folder of image files."""

import os
from typing import Literal

from pydantic import Field

from actors.data.dataset import RealData
from actors.data.files import LocalPath, walk
from actors.data.folder import Folder
from actors.data.images import suffixes
from actors.data.source import Source
from actors.errors import UserError


class ImageFolder(RealData):
    """Image files below a folder; where all lie in subfolders, those are the classes."""

    kind: Literal["image_folder"] = "image_folder"
    path: LocalPath = Field(description="folder of images")

    def open(self) -> Source:
        if not os.path.isdir(self.path):
            found = "is no folder" if os.path.exists(self.path) else "is not there"
            raise UserError(f"path {self.path!r} {found}; allowed is a folder of images")
        walked = walk(self.path)
        names = [name for name in walked.names if name.lower().endswith(suffixes())]
        if not names:
            raise UserError(
                f"path {self.path!r} has no images; allowed are {', '.join(suffixes())}"
            )
        return Folder(self.path, names, walked.passed_over(names))
