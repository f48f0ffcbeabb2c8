# For the scripts beside this one: what a MODE of theirs may be.

# check_modes SCRIPT MODE... exits with 2 at the first that is neither stock nor a value of GONUMA.
check_modes() {
	local script=$1 m
	shift
	for m in "$@"; do
		[[ $m =~ ^(stock|off|confine(=[0-9]+)?|(on|[1-9]|[1-5][0-9]|6[0-4])(,heap)?)$ ]] ||
			{ echo "$script: unexpected mode $m; want stock or a value of GONUMA: off, on, confine, 1 to 64" >&2; exit 2; }
	done
}
