/** Names of variables that hold secrets; `_FILE` and `_PATH` say where one lies. */
const SECRET = /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)(?:_|$)/i;
const PLACE = /_(?:FILE|PATH|DIR|NAME|ID|URL|LENGTH|TTL|EXPIRY)$/i;
/** An address with a password in it. */
const URL_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:(?!\$)[^\s:/@]+@/i;

export const isSecretName = (name: string): boolean => SECRET.test(name) && !PLACE.test(name);

/** True where a variable gives a secret away: by its name with a value of its own, or by an address with a password. */
export function givesSecretAway(name: string, value: string): boolean {
  const own = value !== '' && !value.startsWith('$');
  return (own && isSecretName(name)) || URL_PASSWORD.test(value);
}

export const hasUrlPassword = (text: string): boolean => URL_PASSWORD.test(text);
