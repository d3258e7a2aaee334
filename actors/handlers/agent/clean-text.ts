// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

/** A model's text as it can be stored and shown: no control characters but tab and line feed, at most `charsMax` long. */
export const cleanText = (text: string, charsMax: number): string =>
  text.replace(CONTROL, '').slice(0, charsMax).toWellFormed().trim()
