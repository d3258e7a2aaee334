#!/usr/bin/env node
// The entry point that every Node can read; `main.ts` is the program.
await import('./check-platform.mjs')
await import('./main.ts')
