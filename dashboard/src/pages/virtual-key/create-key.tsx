import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '../../data/keys.ts';
import { serversQuery } from '../../data/servers.ts';
import { createVirtualKey, type VirtualKey } from '../../data/virtual-keys.ts';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { FormText } from '../../ui/form-fields.tsx';
import { useForm } from '../../ui/form.ts';
import { Switch } from '../../ui/switch.tsx';

interface CreateKeyProps {
  readonly onClose: () => void;
  readonly onCreated: (key: VirtualKey) => void;
}

const BLANK = { name: '', description: '' };

/** Makes a key; what it may do is said on its page. */
export function CreateKey({ onClose, onCreated }: CreateKeyProps) {
  const queries = useQueryClient();
  const { data: servers = [] } = useQuery(serversQuery);
  const [isForAll, setForAll] = useState(false);
  const form = useForm(BLANK);

  async function create(): Promise<void> {
    await form.save(async () => {
      const granted = isForAll ? servers : [];
      const mcp_configs = granted.map(({ config }) => ({ mcp_client_name: config.name, tools_to_execute: ['*'] }));
      const created = await createVirtualKey({ ...form.draft, mcp_configs });
      await queries.invalidateQueries({ queryKey: keys.virtualKeys });
      onClose();
      onCreated(created);
    });
  }

  return (
    <FormDialog
      form={form}
      title="Make a virtual key"
      description="The gateway makes its value, and shows it next."
      verb="Make the key"
      fields={['name', 'description']}
      onClose={onClose}
      onSubmit={create}
    >
      <FormText form={form} field="name" label="Name" />
      <FormText form={form} field="description" label="Description" />
      <Switch
        label="Grant all allowed tools of the servers there are"
        hint="Off: the key may call nothing until its page says what."
        isOn={isForAll}
        onSwitch={setForAll}
      />
    </FormDialog>
  );
}
