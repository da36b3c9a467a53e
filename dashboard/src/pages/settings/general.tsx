import { useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../data/keys.ts';
import { saveSettings, settingSchemaQuery, settingsQuery, type SettingSchema } from '../../data/settings.ts';
import { useSession } from '../../shell/session-context.tsx';
import { Fetched } from '../../ui/fetched.tsx';
import { useForm } from '../../ui/form.ts';
import { Section } from '../../ui/page.tsx';
import { SaveBar } from '../../ui/save-bar.tsx';
import { useToast } from '../../ui/toast.tsx';
import { SettingField } from './setting-field.tsx';
import { flatten, topicsOf, unflatten } from './topics.ts';

/** The settings of the gateway by topic; they apply at once. */
export function GeneralTab() {
  const settings = useQuery(settingsQuery);
  const schemas = useQuery(settingSchemaQuery);
  return (
    <Fetched query={settings} rows={12}>
      {(stored) => (
        <Fetched query={schemas} rows={12}>
          {(known) => <SettingsForm stored={flatten(stored)} schemas={known} />}
        </Fetched>
      )}
    </Fetched>
  );
}

interface FormProps {
  readonly stored: Record<string, unknown>;
  readonly schemas: Readonly<Record<string, SettingSchema>>;
}

function SettingsForm({ stored, schemas }: FormProps) {
  const form = useForm(stored);
  const queries = useQueryClient();
  const toast = useToast();
  const { canWrite } = useSession();

  async function save(): Promise<void> {
    const isSaved = await form.save(async (changes) => {
      const { message } = await saveSettings(unflatten(changes));
      await queries.invalidateQueries({ queryKey: keys.settings });
      toast.done(message);
    });
    if (isSaved) await queries.invalidateQueries({ queryKey: keys.audit });
  }

  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {topicsOf(schemas).map(([title, settings]) => (
        <Section key={title} title={title}>
          <div className="grid grid-cols-[minmax(0,1fr)] gap-x-8 gap-y-4 lg:grid-cols-2">
            {settings.map((setting) => (
              <SettingField
                key={setting.path}
                setting={setting}
                value={form.draft[setting.path]}
                onValue={(value) => form.set(setting.path, value)}
                error={form.errorAt(`client_config.${setting.path}`)}
                disabled={!canWrite}
              />
            ))}
          </div>
        </Section>
      ))}
      <SaveBar form={form} on="tab" fields={Object.keys(stored).map((path) => `client_config.${path}`)} />
    </form>
  );
}
