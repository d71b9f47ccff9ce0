// SHA-256 of a file of any size, piece by piece (FIPS 180-4). The browser's own digest wants all of a file at once,
// and is not there at all without https.
"use strict";

class Sha256 {
  static constants = Sha256.#roots(64, 3);

  constructor() {
    this.state = Sha256.#roots(8, 2);
    this.block = new Uint8Array(64);
    this.filled = 0;
    this.bytes = 0;
    this.words = new Int32Array(64);
  }

  // The first 32 bits behind the point of the square or cube roots of the first primes.
  static #roots(count, degree) {
    const found = new Int32Array(count);
    for (let number = 2, place = 0; place < count; number += 1) {
      let prime = true;
      for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) prime = false;
      if (!prime) continue;
      const wanted = BigInt(number) << BigInt(32 * degree);
      let low = 0n;
      let high = 1n << 40n;
      while (high - low > 1n) {
        const middle = (low + high) >> 1n;
        if (middle ** BigInt(degree) <= wanted) low = middle;
        else high = middle;
      }
      found[place] = Number(BigInt.asIntN(32, low));
      place += 1;
    }
    return found;
  }

  add(data) {
    this.bytes += data.length;
    let start = 0;
    while (start < data.length) {
      if (this.filled === 0 && data.length - start >= 64) {
        this.#compress(data, start);
        start += 64;
        continue;
      }
      const taken = Math.min(64 - this.filled, data.length - start);
      this.block.set(data.subarray(start, start + taken), this.filled);
      this.filled += taken;
      start += taken;
      if (this.filled === 64) {
        this.#compress(this.block, 0);
        this.filled = 0;
      }
    }
  }

  hex() {
    const bits = BigInt(this.bytes) * 8n;
    const padding = new Uint8Array(((119 - (this.bytes % 64)) % 64) + 9);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits);
    this.add(padding);
    return [...this.state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #compress(data, start) {
    const { words, state } = this;
    const constants = Sha256.constants;
    for (let i = 0; i < 16; i += 1) {
      const at = start + 4 * i;
      words[i] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const early = words[i - 15];
      const late = words[i - 2];
      const one = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const two = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      words[i] = (words[i - 16] + one + words[i - 7] + two) | 0;
    }
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let i = 0; i < 64; i += 1) {
      const ones = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + ones + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      const zeros = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (zeros + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}
