import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSoukError } from '../../src/protocol/errors.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from '../../src/protocol/units.ts'

const refused = (message: RegExp) => (error: unknown) =>
  isSoukError(error, 'INVALID_INPUT') && message.test(error.message)

describe('units', () => {
  it('reads sizes, units binary and exact', () => {
    const sizes: readonly [string | number, number][] = [
      [0, 0],
      [1_048_576, 1_048_576],
      ['10485760', 10_485_760],
      ['0', 0],
      ['12b', 12],
      ['64k', 65_536],
      ['64K', 65_536],
      ['512m', 536_870_912],
      ['512Mi', 536_870_912],
      ['512MiB', 536_870_912],
      [' 512 m ', 536_870_912],
      ['1.5g', 1_610_612_736],
      ['0.5k', 512],
      ['0.0009765625m', 1024],
      ['2t', 2_199_023_255_552],
      ['8191t', 9_006_099_743_113_216],
    ]
    for (const [written, bytes] of sizes) assert.equal(parseBytes(written), bytes, String(written))
  })

  it('refuses what is no size, and says what would be', () => {
    for (const written of [
      '',
      ' ',
      'm',
      '-1',
      '-1k',
      '1.k',
      '.5k',
      '1e3',
      '0x10',
      '1kk',
      '1 2',
      '1p',
      'x'.repeat(5000),
      '９k',
    ]) {
      assert.throws(() => parseBytes(written), refused(/must be a size such as 512m, 1.5g, 64k/), written)
    }
    for (const number of [-1, 1.5, Number.NaN, Infinity, 2 ** 53])
      assert.throws(() => parseBytes(number), refused(/whole number of bytes/))
    assert.throws(() => parseBytes('0.3k'), refused(/must be a whole number of bytes, and "0.3k" is not/))
    assert.throws(() => parseBytes('8192t'), refused(/must be at most 9007199254740991 bytes/))
    assert.throws(() => parseBytes('512MB'), refused(/write 512m \(units are binary/))
  })

  it('reads durations', () => {
    const durations: readonly [string | number, number][] = [
      [30_000, 30_000],
      ['30000', 30_000],
      ['0', 0],
      ['500ms', 500],
      ['30s', 30_000],
      ['2m', 120_000],
      ['1h', 3_600_000],
      ['7d', 604_800_000],
      ['1.5h', 5_400_000],
      ['0.001s', 1],
      ['1m30s', 90_000],
      ['1d1h1m1s1ms', 90_061_001],
    ]
    for (const [written, ms] of durations) assert.equal(parseDurationMs(written), ms, String(written))
  })

  it('refuses what is no duration, and says what would be', () => {
    for (const written of ['', 's', '-1s', '1 s', '1S', '1x', '1s2', '5 minutes', '1e3s', '1s,', 'x'.repeat(5000)]) {
      assert.throws(() => parseDurationMs(written), refused(/must be a duration such as 30s/), written)
    }
    assert.throws(() => parseDurationMs('30s1m'), refused(/from the largest to the smallest/))
    assert.throws(() => parseDurationMs('1s1s'), refused(/from the largest to the smallest/))
    assert.throws(() => parseDurationMs('1.5m30s'), refused(/a fraction only where there is one part/))
    assert.throws(() => parseDurationMs('0.0001s'), refused(/whole number of milliseconds/))
    assert.throws(() => parseDurationMs('999999999999999d'), refused(/must be at most/))
    assert.throws(() => parseDurationMs(1.5), refused(/whole number of milliseconds/))
  })

  it('shows what it reads back as the same', () => {
    assert.deepEqual([1_610_612_736, 1_048_576, 65_536, 1000, 0, 12_637_437_952].map(formatBytes), [
      '1.5g',
      '1m',
      '64k',
      '1000',
      '0',
      '12052m',
    ])
    assert.deepEqual([90_000, 1500, 250, 0, 86_400_000, 3_661_001].map(formatDurationMs), [
      '1m30s',
      '1.5s',
      '250ms',
      '0ms',
      '1d',
      '1h1m1s1ms',
    ])
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseBytes(formatBytes(bytes)) === bytes))
    fc.assert(fc.property(fc.maxSafeNat(), (ms) => parseDurationMs(formatDurationMs(ms)) === ms))
    fc.assert(
      fc.property(
        fc.nat({ max: 8191 }),
        fc.constantFrom('', 'k', 'm', 'g', 't'),
        (n, unit) => parseBytes(formatBytes(parseBytes(`${n}${unit}`))) === parseBytes(`${n}${unit}`),
      ),
    )
  })

  it('gives a safe integer or a typed refusal for any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{0,18}(\.\d{0,18})? ?[kmgtbhsd]{0,3}$/))
    fc.assert(
      fc.property(text, (written) => {
        for (const parse of [parseBytes, parseDurationMs]) {
          try {
            const parsed = parse(written)
            assert.ok(Number.isSafeInteger(parsed) && parsed >= 0)
          } catch (error) {
            assert.ok(isSoukError(error, 'INVALID_INPUT'))
          }
        }
      }),
    )
  })
})
