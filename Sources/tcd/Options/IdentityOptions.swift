internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// Who seals and signs.
struct IdentityOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The identity directory. Default: $TIBET_IDENTITY, or $XDG_DATA_HOME/tibet/identity, or "
                + "/var/lib/tibet/identity for root.", valueName: "dir"))
    var identity: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The sender name to claim in the envelope. Default: the name of the identity.", valueName: "name"))
    var aint: String?

    /// The directory that was asked for, or this host's.
    func directory() throws -> IdentityDirectory {
        if let identity { return IdentityDirectory(FilePath(identity)) }
        return try HostDirectories.current().identity()
    }

    /// The identity, created and announced when there is none yet.
    func loadOrCreate(output: OutputOptions) throws -> Identity {
        if let aint, !Identity.isName(aint) { throw IdentityError.badName(aint) }
        let directory = try directory()
        do throws(IdentityError) {
            let identity = try directory.load()
            output.explain("signing as '\(identity.name)' with the identity in '\(directory.path)'")
            return identity
        } catch {
            guard case .missing = error else { throw error }
            let identity = try directory.loadOrCreate(name: aint ?? Identity.defaultName)
            Terminal.note(
                "created the identity '\(identity.name)' in '\(directory.path)'; its public key is \(identity.publicKey)"
            )
            return identity
        }
    }

    /// The name to claim: the one that was asked for, or that of the identity.
    func name(of identity: Identity) throws -> String {
        guard let aint else { return identity.name }
        guard Identity.isName(aint) else { throw IdentityError.badName(aint) }
        return aint
    }
}
