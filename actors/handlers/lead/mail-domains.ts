/** Mail providers that anybody can have an address at: such an address says nothing about a company. */
const FREE = new Set(
  (
    'gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com aol.com ' +
    'proton.me protonmail.com gmx.com gmx.de gmx.net web.de t-online.de freenet.de orange.fr free.fr laposte.net ' +
    'libero.it mail.ru yandex.ru yandex.com qq.com 163.com 126.com naver.com zoho.com fastmail.com hey.com tutanota.com'
  ).split(' '),
)

/** Addresses that are thrown away after one use. */
const DISPOSABLE = new Set(
  (
    'mailinator.com guerrillamail.com 10minutemail.com tempmail.com temp-mail.org yopmail.com trashmail.com ' +
    'getnada.com sharklasers.com dispostable.com maildrop.cc throwawaymail.com'
  ).split(' '),
)

export type MailDomainKind = 'business' | 'free' | 'disposable'

export function mailDomainKind(domain: string): MailDomainKind {
  if (DISPOSABLE.has(domain)) return 'disposable'
  return FREE.has(domain) ? 'free' : 'business'
}
