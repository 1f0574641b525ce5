internal import ArgumentParser
internal import CarrierIPoll
internal import CarrierSCP
internal import Fabric

/// How the carriers go about it.
struct CarrierOptions: ParsableArguments {
    // Side by side: the parser's own checks, in builds for debugging, take a multiple of the time for each level.
    @OptionGroup var http: HTTPOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var scp: SCPOptions
    @OptionGroup var mux: MuxOptions
    @OptionGroup var ipoll: IPollOptions
    @OptionGroup var session: SessionOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Send no faster than this, for example 10M (MiB a second) or 800kbit/s.", valueName: "rate"))
    var limitRate: String?

    /// Refuses what can be refused before anything is done.
    func check() throws {
        try connection.check()
        try mux.check()
        _ = try bandwidth()
    }

    /// All carriers, for what `sender` sends under `name`.
    func composition(for sender: Identity, name: String) throws -> Composition {
        Composition(
            http: try http.configuration(for: sender, name: name, connection),
            scp: try scpConfiguration(),
            mux: try mux.configuration(connection, signedBy: sender.key, name: name),
            ipoll: ipoll.configuration(name: name, try session.requests(connection, signedBy: sender.key)),
            limit: try bandwidth())
    }

    /// All carriers, for probes that nobody signs.
    func composition() throws -> Composition {
        Composition(
            http: try HTTPOptions.configuration(connection), scp: try scpConfiguration(),
            mux: try mux.configuration(connection, signedBy: nil),
            ipoll: IPollCarrierConfiguration(
                sender: "", requests: try session.requests(connection, signedBy: nil)))
    }

    private func scpConfiguration() throws -> SCPCarrierConfiguration {
        scp.configuration(
            connectTime: try connection.connectTime(), stallTime: try connection.stallTime(),
            accepted: AcceptedKeys.record)
    }

    private func bandwidth() throws -> Bandwidth? {
        guard let limitRate else { return nil }
        guard let bandwidth = Bandwidth(parsing: limitRate) else {
            throw UsageError(
                "--limit-rate: expected a rate, got '\(limitRate)'",
                remedy: "write for example 10M, 10MiB/s or 800kbit/s")
        }
        return bandwidth
    }
}
