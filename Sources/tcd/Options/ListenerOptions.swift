internal import ArgumentParser
internal import CarrierHTTP
internal import Fabric
internal import FoundationEssentials
internal import Resolver
internal import SystemPackage

/// Where to listen, for whom, and how much to take.
struct ListenerOptions: ParsableArguments {
    @Option(name: .long, help: "The port to listen on; 0 for one that the system picks.")
    var port = 8443

    @Option(name: .long, help: "The address to bind. Other machines can only reach it if you say so.")
    var host = "127.0.0.1"

    @Option(
        name: .customLong("host-name"),
        help: ArgumentHelp(
            """
            A name by which senders reach this listener, if it is bound to a loopback address behind a proxy, or is to \
            refuse requests for other names. Repeatable.
            """, valueName: "name"))
    var hostNames: [String] = []

    @Option(name: .long, help: ArgumentHelp("Serve https with this certificate chain (PEM).", valueName: "file"))
    var tlsCert: String?

    @Option(name: .long, help: ArgumentHelp("The private key of --tls-cert (PEM).", valueName: "file"))
    var tlsKey: String?

    @Option(
        name: .customLong("tls-client-ca"),
        help: ArgumentHelp("Only let in clients with a certificate of these authorities (PEM).", valueName: "file"))
    var tlsClientAuthorities: String?

    @Option(name: .long, help: ArgumentHelp("The largest envelope to take.", valueName: "size"))
    var maxBody = "16G"

    @Option(name: .long, help: ArgumentHelp("How many envelopes may come in at once.", valueName: "n"))
    var maxUploads = 64

    @Option(name: .long, help: ArgumentHelp("How long the header of a request may take.", valueName: "time"))
    var headerTimeout: TimeSpan = 10

    @Option(name: .long, help: ArgumentHelp("How long nothing useful may come.", valueName: "time"))
    var idleTimeout: TimeSpan = 30

    @Option(name: .long, help: ArgumentHelp("How much disk to leave free.", valueName: "size"))
    var diskReserve = "256M"

    /// The disk reserve in bytes.
    func reserve() throws -> Int64 { try Self.size(diskReserve, of: "--disk-reserve") }

    /// The listener's configuration; who may deliver comes from the peers' environment variables. Receipts are signed
    /// where this host has an identity; none is made for it.
    func configuration() throws -> HTTPListenerConfiguration {
        guard (0...65_535).contains(port) else { throw UsageError("\(port) is no port", remedy: "use 0 to 65535") }
        guard maxUploads > 0 else { throw UsageError("--max-uploads must be greater than 0") }
        var limits = HTTPListenerLimits()
        limits.largestBody = try Self.size(maxBody, of: "--max-body")
        guard limits.largestBody > 0 else { throw UsageError("--max-body must be greater than 0") }
        limits.concurrentUploads = maxUploads
        limits.headerTime = try Seconds.duration(headerTimeout, of: "--header-timeout")
        limits.idleTime = try Seconds.duration(idleTimeout, of: "--idle-timeout")
        let policy = try AuthorizationPolicy(environment: ProcessInfo.processInfo.environment)
        var configuration = HTTPListenerConfiguration(
            host: host, port: port, authorization: policy, limits: limits, tls: try tls())
        configuration.names = Set(hostNames)
        do throws(IdentityError) {
            // Without a home there is no identity that could be meant.
            configuration.receiptKey = try (try? HostDirectories.current().identity())?.load().key
        } catch {
            guard case .missing = error else { throw error }
        }
        if policy.requiresPin { configuration.keyOfClaim = try Self.keyOfClaim() }
        return configuration
    }

    /// Asks AINS, as the environment names it, for the key of a claimed name; nil where none is named.
    private static func keyOfClaim() throws -> (@Sendable (String) async -> PublicKey?)? {
        let resolver = try Resolver(
            ResolverConfiguration(
                environment: ProcessInfo.processInfo.environment, state: try HostDirectories.current().state(),
                carriers: Composition.carriers))
        guard let service = resolver.nameService else { return nil }
        return { claim in
            guard let name = ClaimedName(parsing: claim), let host = try? HostPart(parsing: name.host),
                case .found(let record, _) = await service.look(up: host.lookupName).outcome,
                record.standing == .usable
            else { return nil }
            return record.key
        }
    }

    private func tls() throws -> HTTPListenerTLS? {
        switch (tlsCert, tlsKey) {
        case (nil, nil):
            guard tlsClientAuthorities == nil else {
                throw UsageError("--tls-client-ca needs --tls-cert and --tls-key")
            }
            return nil
        case (let certificate?, let key?):
            return HTTPListenerTLS(
                certificateChain: FilePath(certificate), privateKey: FilePath(key),
                clientAuthorities: tlsClientAuthorities.map { FilePath($0) })
        default: throw UsageError("--tls-cert and --tls-key go together")
        }
    }

    private static func size(_ text: String, of option: String) throws -> Int64 {
        guard let size = Quantity.parseBytes(text) else {
            throw UsageError("\(option) '\(text)' is not a size", remedy: "write for example 512M or 10G")
        }
        return size
    }
}
