import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../../actors/ingress/parse-json.ts'
import { BOUNDS } from '../../../runtime/config/bounds.ts'

const parse = (text: string) => parseJson(Buffer.from(text))
const refusal = (text: string) => {
  const parsed = parse(text)
  return parsed.ok ? 'accepted' : `${parsed.code}: ${parsed.detail}`
}

/** JSON values with keys and strings that are easy to get wrong. */
const plainKeys = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('constructor', 'prototype', 'a:b', '"', '\\', '', '{', 'length', '0', '7'),
)
const { tree: values } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('array'), tie('object')),
  leaf: fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.boolean(), fc.constant(null)),
  array: fc.array(tie('tree'), { maxLength: 5 }),
  object: fc.dictionary(plainKeys, tie('tree'), { maxKeys: 5 }),
}))

const reachesPrototype = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).some(
    ([key, member]) =>
      key === '__proto__' ||
      (key === 'constructor' &&
        typeof member === 'object' &&
        member !== null &&
        Object.hasOwn(member, 'prototype')) ||
      reachesPrototype(member),
  )

describe('strict JSON', () => {
  test('is what JSON.parse gives for every value without an offence, however it is spaced', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1, '\t', ' \n\r'.slice(0, 3)), (value, space) => {
        const text = JSON.stringify(value, undefined, space)
        fc.pre(!/\\u(0000|d[89a-f])/i.test(text) && !reachesPrototype(JSON.parse(text)))
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
  })

  test('refuses as JSON exactly what JSON.parse refuses, for any text near to JSON', () => {
    const tokens = fc.array(
      fc.constantFrom(...'{}[],:"\\', 'null', '1', '-', '"a"', '"\\n"', ' ', '1e5', 'tru', 'é'),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(tokens, (parts) => {
        const text = parts.join('')
        const parsed = parse(text)
        const valid = (() => {
          try {
            JSON.parse(text)
            return true
          } catch {
            return false
          }
        })()
        if (!valid) expect(parsed).toMatchObject({ ok: false, code: 'invalid-json' })
        else if (!parsed.ok) expect(parsed.code).toBe('duplicate-key')
      }),
      { numRuns: 2_000 },
    )
  })

  test('finds a key that is there twice wherever it is, and names it', () => {
    const member = (key: string, value: unknown) => `${JSON.stringify(key)}:${JSON.stringify(value)}`
    fc.assert(
      fc.property(
        fc.array(fc.tuple(plainKeys, values), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        values,
        (members, which, where, again) => {
          const [repeated] = members[which % members.length] as [string, unknown]
          const text = members.map(([key, value]) => member(key, value))
          text.splice(where % (text.length + 1), 0, member(repeated, again))
          const document = `[{"outer":{${text.join(',')}}}]`
          fc.pre(!/\\u(0000|d[89a-f])/i.test(document) && !/"(constructor)":/.test(document))
          expect(refusal(document)).toMatch(/^duplicate-key: "\/0\/outer\//)
        },
      ),
    )
  })

  test.each([
    ['{"a":1,"a":2}', 'duplicate-key: "/a" is there twice'],
    ['{"a":1,"\\u0061":2}', 'duplicate-key: "/a" is there twice'],
    ['[0,{"x":[{"k/~":1,"b":{"c":[]},"k/~":1}]}]', 'duplicate-key: "/1/x/0/k~1~0" is there twice'],
    ['{"__proto__":1}', 'forbidden-key: "/__proto__" is not allowed'],
    ['{"a":[{"\\u005f_proto__":{}}]}', 'forbidden-key: "/a/0/__proto__" is not allowed'],
    ['{"constructor":{"prototype":{}}}', 'forbidden-key: "/constructor/prototype" is not allowed'],
    ['{"a":["x\\u0000"]}', 'nul-character: a NUL character at "/a/0"'],
    ['{"a\\u0000":1}', 'nul-character: a NUL character at "/a\0"'],
    ['"\\u0000"', 'nul-character: a NUL character at ""'],
    ['{"a":"\\ud800"}', 'invalid-json: a lone surrogate, which is no Unicode character, at "/a"'],
    ['{"\\udc00\\ud800":1}', 'invalid-json: a lone surrogate'],
    ['{"a":"\0"}', 'invalid-json: Bad control character'],
    ['', 'invalid-json: Unexpected end'],
    ['\ufeff{}', 'invalid-json: Unexpected token'],
    ['{"a":1}}', 'invalid-json: Unexpected non-whitespace character after JSON at position 7'],
    ["{'a':1}", 'invalid-json: Expected property name'],
  ])('refuses %j', (text, expected) => {
    expect(refusal(text)).toContain(expected)
  })

  test.each([
    ['{"constructor":1,"prototype":2,"proto":{}}'],
    ['{"constructor":[{"prototype":1}]}'],
    ['{"a":":{[\\":","b":"\\\\"}'],
    ['"\\ud83d\\ude00"'],
    ['["\\\\u0000"]'],
    ['[1,2,1,{"a":{"a":{"a":1}}},{"a":1}]'],
  ])('accepts %s', (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) })
  })

  test('nests as deep as is allowed, and no deeper', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(parse(nested(BOUNDS.ingress.jsonDepthMax)).ok).toBe(true)
    expect(refusal(nested(BOUNDS.ingress.jsonDepthMax + 1))).toBe(
      'nesting-too-deep: more than 32 levels at byte 32',
    )
    expect(parse(`"${nested(1_000)}"`).ok).toBe(true)
    expect(refusal('{"a":'.repeat(100_000))).toContain('nesting-too-deep')
    expect(refusal('['.repeat(100_000))).toContain('nesting-too-deep')
  })

  test('bytes that are not UTF-8 are refused with the place of the first', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"é'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
    expect(parseJson(bytes)).toMatchObject({ code: 'invalid-utf8', detail: 'not UTF-8 from byte 9 on' })
    const surrogate = Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])
    expect(parseJson(surrogate)).toMatchObject({ code: 'invalid-utf8' })
    const inString = fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => bytes.filter((byte) => byte > 0x22 && byte !== 0x5c))
    fc.assert(
      fc.property(inString, (bytes) => {
        const parsed = parseJson(Buffer.from([0x22, ...bytes, 0x22]))
        if (isUtf8(bytes)) expect(parsed).toEqual({ ok: true, value: Buffer.from(bytes).toString() })
        else expect(parsed).toMatchObject({ ok: false, code: 'invalid-utf8' })
      }),
    )
  })
})
