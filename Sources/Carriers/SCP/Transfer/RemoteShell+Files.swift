internal import CSSH2
internal import Fabric

/// What a shell does with files that SFTP does not, or not everywhere.
extension RemoteShell {
    /// Gives a file another name, if nobody has that; whether it did. A second link never replaces anything; where there
    /// are no links, `mv -n` does what it can.
    func move(_ old: String, _ new: String) throws(SSHFailure) -> Bool {
        let answer = try run(
            """
            from=\(ShellText.quoted(old)); to=\(ShellText.quoted(new))
            if [ -e "$to" ] || [ -L "$to" ]; then echo taken
            elif ln -T -- "$from" "$to" || { [ ! -e "$to" ] && ln -- "$from" "$to"; }; then rm -f -- "$from"; echo moved
            elif [ -e "$to" ] || [ -L "$to" ]; then echo taken
            elif mv -n -- "$from" "$to" && [ ! -e "$from" ]; then echo moved
            elif [ -e "$to" ] || [ -L "$to" ]; then echo taken
            elif [ ! -w "${to%/*}/" ]; then echo denied
            else echo failed; fi
            """)
        switch answer.text {
        case "moved": return true
        case "taken": return false
        case "denied": throw .status(UInt(LIBSSH2_FX_PERMISSION_DENIED), during: "giving the file its name")
        default: throw .status(UInt(LIBSSH2_FX_FAILURE), during: "giving the file its name")
        }
    }

    /// Puts a file and the directory that names it on stable storage; false where there is no program for that.
    func synchronize(_ file: String, in directory: String) throws(SSHFailure) -> Bool {
        let (file, directory) = (ShellText.quoted(file), ShellText.quoted(directory))
        // `sync` with names is of the core utilities; without, of every system, and slow.
        let answer = try run("sync -- \(file) \(directory) || sync", within: connection.patience * 4)
        return answer.status == 0
    }
}
