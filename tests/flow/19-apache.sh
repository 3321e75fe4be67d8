#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Apache httpd with the event MPM and the site of the sample; its workers are www-data.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

need_programs apache2 curl
need_user www-data
modules=/usr/lib/apache2/modules
[ -r $modules/mod_ssl.so ] || skip_all "there is no $modules/mod_ssl.so"

make_public
make_server_agent www-data
port=$(free_port)
install -d -m 0755 "$P/www" "$P/run"
echo hello | publish www/index.html
# root reads the reference.
chmod 0600 "$P/ec.pem" "$P/rsa.pem"

configure() { # KEY
    sample apache.conf -e "s|\*:443|127.0.0.1:$port|" -e "s|/etc/apache2/tls/edge|$P/$1|" -e "s|/var/www/html|$P/www|" \
        -e 's|edge.example|localhost|' | publish site.conf
}

publish httpd.conf <<CONF
ServerRoot $P
DefaultRuntimeDir $P/run
PidFile $P/run/pid
Mutex file:$P/run
ErrorLog $P/run/error.log
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule dir_module $modules/mod_dir.so
LoadModule ssl_module $modules/mod_ssl.so
User www-data
Group www-data
ServerName localhost
Listen 127.0.0.1:$port
StartServers 2
Include $P/site.conf
CONF

serve() { # NAME
    start_program root "$T/apache.log" apache2 -DFOREGROUND -f "$P/httpd.conf"
    await_port "$port" "$started" || not_ok "$1 starts" "$(cat "$T/apache.log" "$P/run/error.log")"
}

unserve() {
    stop_program "$started"
    await 20 port_is_closed "$port" || not_ok 'Apache ends'
}

users() { # of the children
    local pid
    for pid in $(children_of "$started"); do
        user_of "$pid"
    done | sort -u
}

configure ec
serve Apache
handshakes Apache "$port" ec
pages Apache "$port" hello
crowd Apache "$port"
is 'the workers are www-data' "$(users)" www-data
agent_comes_back Apache "$port" ec

# Another key with a graceful restart. Children that are not needed any more may still answer until they have gone.
old=" $(children_of "$started" | tr '\n' ' ') "
restarted() {
    local pid
    for pid in $(children_of "$started"); do
        [[ $old != *" $pid "* ]] || return 1
    done
    [ -n "$pid" ] && port_is_open "$port"
}
configure rsa
kill -USR1 "$started"
await 30 restarted || not_ok 'Apache restarts' "$(<"$P/run/error.log")"
handshakes 'Apache after a graceful restart' "$port" rsa
pages 'Apache, rsa' "$port" hello
no_handshake 'Apache, RSA key exchange' "$port" tls1_2 '*handshake failure*' -cipher kRSA
unserve

configure ec
sed -i "s|^ *SSLCertificateKeyFile .*|SSLCertificateKeyFile $P/other.pem|" "$P/site.conf"
fails 'Apache refuses a key of another certificate' 1 '*' with_provider apache2 -DFOREGROUND -f "$P/httpd.conf"
like 'with words' "$(tail -n 5 "$P/run/error.log")" '*do not match*'

done_testing
