/** The views of the settings. */
export const SETTINGS_TABS = ['general', 'api-keys', 'accounts', 'clients', 'password'] as const;
export type SettingsTab = (typeof SETTINGS_TABS)[number];

/** Whether a word of the URL names such a view. */
export function isSettingsTab(value: unknown): value is SettingsTab {
  return SETTINGS_TABS.some((tab) => tab === value);
}
