internal import CSSH2
internal import Fabric

/// What a shell does with files that SFTP does not, or not everywhere.
extension RemoteShell {
    /// Gives a file another name, if nobody has that; whether it did. A second link never replaces anything; where there
    /// are no links, `mv -n` does what it can. Nil when the shell does not see the file: SFTP and commands may see different
    /// directories.
    func move(_ old: String, _ new: String) throws(SSHFailure) -> Bool? {
        let answer = try run(
            """
            from=\(ShellText.quoted(old)); to=\(ShellText.quoted(new))
            if [ ! -e "$from" ]; then echo unseen
            elif [ -e "$to" ] || [ -L "$to" ]; then echo taken
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
        case "unseen": return nil
        case "denied": throw .status(UInt(LIBSSH2_FX_PERMISSION_DENIED), during: "giving the file its name")
        default: throw .status(UInt(LIBSSH2_FX_FAILURE), during: "giving the file its name")
        }
    }

    /// Opens a file for writing and closes it, which programs that watch the directory notice. It is not emptied, and not
    /// made anew where it has been taken away; so the redirection, which would, comes last.
    func announce(_ file: String) throws(SSHFailure) {
        _ = try run(
            """
            f=\(ShellText.quoted(file))
            dd if=/dev/null of="$f" conv=nocreat,notrunc || truncate -c -s +0 -- "$f" || { [ -s "$f" ] && : >>"$f"; }
            """)
    }

    /// What is wrong with a directory; nil when nothing is.
    func problem(_ directory: String) throws(SSHFailure) -> DirectoryProblem? {
        let answer = try run(
            """
            d=\(ShellText.quoted(directory))
            if [ -d "$d" ]; then echo fine; elif [ -e "$d" ]; then echo other; else echo missing; fi
            """)
        switch answer.text {
        case "missing": return .missing
        case "other": return .notADirectory
        default: return nil
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
