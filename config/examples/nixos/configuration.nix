{ pkgs, ... }:
{
  imports = [ ./hardware-configuration.nix ];
  boot.loader.systemd-boot.enable = true;
  boot.loader.efi.canTouchEfiVariables = true;
  networking.hostName = {{ host.name | json }};
  services.openssh.enable = true;
  users.users.root.openssh.authorizedKeys.keys = [
{% for key in metadata.ssh_keys | default([]) %}
    {{ key | json }}
{% endfor %}
  ];
  systemd.services.bootwright-up = {
    description = "Report that this system is up";
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    wantedBy = [ "multi-user.target" ];
    serviceConfig.Type = "oneshot";
    script = "${pkgs.curl}/bin/curl -fsS -m 20 --retry 10 --retry-connrefused {{ run.url }}/up";
  };
}
