"""The head of captions: a small decoder that says one word after the other, from a closed vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.heads import HeadSpec, Strength
from baselines.heads.head import Head
from baselines.heads.words import END, PAD, START, Vocabulary

LONGEST = 32
"""Words a head says at most; a caption that it learns from is cut there."""


class PooledDecoder(nn.Module):
    """A recurrent network that starts from one linear map of the mean token.

    It sees the frame through that alone: what the encoder knows of the whole picture, and not of where in it.
    """

    def __init__(self, token_width: int, words: int, grid: tuple[int, int], width: int = 128) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.start = nn.Linear(token_width, width)
        self.embed = nn.Embedding(words, width, padding_idx=PAD)
        self.speak = nn.GRU(width, width, batch_first=True)
        self.classify = nn.Linear(width, words)

    def forward(self, tokens: Tensor, said: Tensor) -> Tensor:
        """Score what comes after each word: tokens (B, h, w, C), said (B, L) ids → (B, L, words)."""
        pooled = self.start(self.norm(tokens).mean(dim=(1, 2)))
        spoken, _ = self.speak(self.embed(said), pooled[None].contiguous())
        scores: Tensor = self.classify(spoken)
        return scores


class AttentiveDecoder(nn.Module):
    """A transformer decoder of two layers; every word looks at the words before it and at all tokens."""

    def __init__(self, token_width: int, words: int, grid: tuple[int, int], width: int = 128) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.project = nn.Linear(token_width, width)
        self.place = nn.Parameter(torch.randn(grid[0] * grid[1], width) * 0.02)
        self.embed = nn.Embedding(words, width, padding_idx=PAD)
        self.position = nn.Parameter(torch.randn(LONGEST + 1, width) * 0.02)
        layer = nn.TransformerDecoderLayer(
            width, nhead=4, dim_feedforward=2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerDecoder(layer, num_layers=2, norm=nn.LayerNorm(width))
        self.classify = nn.Linear(width, words)

    def forward(self, tokens: Tensor, said: Tensor) -> Tensor:
        """Score what comes after each word: tokens (B, h, w, C), said (B, L) ids → (B, L, words)."""
        seen = self.project(self.norm(tokens)).flatten(1, 2) + self.place
        spoken = self.embed(said) + self.position[: said.shape[1]]
        future = nn.Transformer.generate_square_subsequent_mask(said.shape[1], device=said.device, dtype=spoken.dtype)
        scores: Tensor = self.classify(self.layers(spoken, seen, tgt_mask=future, tgt_is_causal=True))
        return scores


DECODERS: dict[Strength, type[nn.Module]] = {"linear": PooledDecoder, "strong": AttentiveDecoder}


class TextHead(Head):
    """Say a caption of each frame; a channel is the score of one of ``spec.words``.

    Truth is anything with ``captions``, several strings a frame (none where there is nothing to learn). Each step
    learns from all captions of its frames; words are given as they should be (teacher forcing). Answers take the
    likeliest word each time.
    """

    mirrored_ids: Tensor

    def __init__(self, spec: HeadSpec, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__(spec, token_width, grid)
        self.vocabulary = Vocabulary(spec.words)
        self.decoder = DECODERS[spec.strength](token_width, len(self.vocabulary), grid)
        self.register_buffer("mirrored_ids", torch.from_numpy(self.vocabulary.mirrored_ids), persistent=False)

    def truth(self, target: Any, mirrored: Tensor, frame: tuple[int, int]) -> Tensor:
        """Return ids (B, captions, words), left and right changed in mirrored frames; all PAD where there is none."""
        ids = [[self.vocabulary.ids(caption)[: LONGEST + 1] for caption in captions] for captions in target.captions]
        most = max(1, *(len(captions) for captions in ids))
        longest = max([2, *(len(caption) for captions in ids for caption in captions)])
        padded = np.full((len(ids), most, longest), PAD, np.int64)
        for i, captions in enumerate(ids):
            for j, caption in enumerate(captions):
                padded[i, j, : len(caption)] = caption
        given = torch.from_numpy(padded).to(mirrored.device)
        return torch.where(mirrored[:, None, None], self.mirrored_ids[given], given)

    def loss(self, tokens: Tensor, frame: tuple[int, int], truth: Tensor, generator: torch.Generator) -> Tensor:
        """Return the mean cross-entropy of the words of all captions; 0 without captions."""
        frames, captions = (truth[:, :, 0] != PAD).nonzero(as_tuple=True)
        if not len(frames):
            return tokens.new_zeros((), dtype=torch.float32) * sum(p.sum() for p in self.decoder.parameters())
        chosen = truth[frames, captions]
        scores = self.decoder(tokens[frames], chosen[:, :-1]).float()
        following = chosen[:, 1:]
        return F.cross_entropy(scores.flatten(0, 1), following.flatten(), ignore_index=PAD)

    def answer(self, tokens: Tensor, frame: tuple[int, int]) -> np.ndarray:
        """Return one text a frame, (B,) of strings: words with blanks between them, at least one."""
        said = torch.full((len(tokens), 1), START, dtype=torch.long, device=tokens.device)
        ended = torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
        for step in range(LONGEST):
            scores = self.decoder(tokens, said)[:, -1].float()
            scores[:, [PAD, START]] = -torch.inf
            if step == 0:
                scores[:, END] = -torch.inf
            word = torch.where(ended, END, scores.argmax(dim=1))
            said = torch.cat([said, word[:, None]], dim=1)
            ended |= word == END
            if ended.all():
                break
        return np.array([self.vocabulary.text(ids) for ids in said[:, 1:].tolist()])
