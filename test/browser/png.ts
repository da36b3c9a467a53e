import { crc32, deflateSync, inflateSync } from 'node:zlib';

interface Image {
  readonly width: number;
  readonly height: number;
  /** Each pixel as 0xRRGGBB. */
  readonly pixels: Uint32Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS = 256;

/** The same picture with a palette of at most 256 colours: a third of the size, and text looks as before. */
export function shrinkPng(png: Buffer): Buffer {
  const image = decode(png);
  const palette = choosePalette(image.pixels);
  return encode(image, palette);
}

/** Reads what Chromium writes: 8 bits for each of three or four channels, not interlaced. */
function decode(png: Buffer): Image {
  const chunks = chunksOf(png);
  const header = chunks.find(({ type }) => type === 'IHDR')?.data ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const size = header[9] === 6 ? 4 : 3;
  const raw = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
  const stride = width * size;
  let above = Buffer.alloc(stride);
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const start = y * (stride + 1);
    const line = Buffer.from(raw.subarray(start + 1, start + 1 + stride));
    unfilter(raw[start] ?? 0, line, above, size);
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = line.readUIntBE(x * size, 3);
    above = line;
  }
  return { width, height, pixels };
}

function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks = [];
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}

/** Undoes the filter of a line (PNG §9): left, above, their mean, or Paeth's choice. */
function unfilter(type: number, line: Buffer, above: Buffer, size: number): void {
  for (let at = 0; at < line.length; at += 1) {
    const left = at < size ? 0 : (line[at - size] ?? 0);
    const up = above[at] ?? 0;
    const corner = at < size ? 0 : (above[at - size] ?? 0);
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][type] ?? 0;
    line[at] = ((line[at] ?? 0) + guess) & 0xff;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

interface Counted {
  readonly colour: number;
  readonly count: number;
}

const channel = (colour: number, shift: number): number => (colour >> shift) & 0xff;
const SHIFTS = [16, 8, 0] as const;

/** Which entry of the palette stands for each colour. */
interface Palette {
  readonly entries: readonly number[];
  readonly indexOf: ReadonlyMap<number, number>;
}

/** Median cut: the group of colours that differs most is halved until there are enough groups. */
function choosePalette(pixels: Uint32Array): Palette {
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const groups: Counted[][] = [[...counts].map(([colour, count]) => ({ colour, count }))];
  while (groups.length < Math.min(COLOURS, counts.size)) {
    const widest = groups.map(weigh).reduce((best, weight, at, all) => (weight > (all[best] ?? 0) ? at : best), 0);
    groups.push(...halve(groups.splice(widest, 1)[0] ?? []));
  }
  const entries = groups.map(commonest);
  return { entries, indexOf: new Map(groups.flatMap((group, at) => group.map(({ colour }) => [colour, at] as const))) };
}

function widths(group: readonly Counted[]): number[] {
  return SHIFTS.map((shift) => {
    const values = group.map(({ colour }) => channel(colour, shift));
    return (
      values.reduce((most, value) => Math.max(most, value), 0) -
      values.reduce((least, value) => Math.min(least, value), 255)
    );
  });
}

function weigh(group: readonly Counted[]): number {
  const total = group.reduce((sum, { count }) => sum + count, 0);
  return group.length < 2 ? 0 : Math.max(...widths(group)) * Math.sqrt(total);
}

function halve(group: readonly Counted[]): [Counted[], Counted[]] {
  const spread = widths(group);
  const shift = SHIFTS[spread.indexOf(Math.max(...spread))] ?? 0;
  const sorted = group.toSorted((a, b) => channel(a.colour, shift) - channel(b.colour, shift));
  const half = sorted.reduce((sum, { count }) => sum + count, 0) / 2;
  let sum = 0;
  const cut = sorted.findIndex(({ count }) => (sum += count) >= half);
  const at = Math.min(Math.max(cut, 1), sorted.length - 1);
  return [sorted.slice(0, at), sorted.slice(at)];
}

/** The colour of surfaces and of letters must stay exactly as it is, so no mean is taken. */
function commonest(group: readonly Counted[]): number {
  return group.reduce((best, each) => (each.count > best.count ? each : best), { colour: 0, count: 0 }).colour;
}

function encode({ width, height, pixels }: Image, { entries, indexOf }: Palette): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) lines[y * (width + 1) + 1 + x] = indexOf.get(pixels[y * width + x] ?? 0) ?? 0;
  const colours = Buffer.from(entries.flatMap((colour) => SHIFTS.map((shift) => channel(colour, shift))));
  const data = deflateSync(lines, { level: 9, memLevel: 9 });
  const parts = [chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([SIGNATURE, ...parts]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
