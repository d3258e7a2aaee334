import { registerHooks } from 'node:module'

/**
 * Makes `import … from 'spillway'` mean this package wherever the importing file lies, so that a handlers' folder may be
 * anywhere (a mounted volume, another repository) without a node_modules of its own.
 */
const OWN_NAME = 'spillway'
const OWN_URL = new URL('./index.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === OWN_NAME ? { url: OWN_URL, shortCircuit: true } : next(specifier, context),
})
