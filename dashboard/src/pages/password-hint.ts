/** What a new password needs. */
export const PASSWORD_HINT = 'At least 12 characters, with upper case, lower case, a digit and a symbol.';
