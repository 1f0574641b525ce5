internal import ArgumentParser
internal import CarrierIPoll
internal import CarrierSCP
internal import Fabric

/// How the carriers go about it.
struct CarrierOptions: ParsableArguments {
    @OptionGroup var http: HTTPOptions
    @OptionGroup var scp: SCPOptions
    @OptionGroup var mux: MuxOptions
    @OptionGroup var ipoll: IPollOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Send no faster than this, for example 10MiB/s or 800kbit/s.", valueName: "rate"))
    var limitRate: String?

    /// Refuses what can be refused before anything is done.
    func check() throws {
        try http.check()
        try mux.check()
        _ = try bandwidth()
    }

    /// All carriers, for what `sender` sends under `name`.
    func composition(for sender: Identity, name: String) throws -> Composition {
        Composition(
            http: try http.configuration(for: sender, name: name),
            scp: try scpConfiguration(),
            mux: try mux.configuration(http.connection, signedBy: sender.key),
            ipoll: try ipoll.configuration(for: sender, name: name, http.connection),
            limit: try bandwidth())
    }

    /// All carriers, for probes that nobody signs.
    func composition() throws -> Composition {
        Composition(
            http: try http.configuration(), scp: try scpConfiguration(),
            mux: try mux.configuration(http.connection, signedBy: nil),
            ipoll: IPollCarrierConfiguration(
                sender: "", requests: try ipoll.session.requests(http.connection, signedBy: nil)))
    }

    private func scpConfiguration() throws -> SCPCarrierConfiguration {
        scp.configuration(
            connectTime: try http.connectTime(), stallTime: try http.stallTime(), accepted: AcceptedKeys.record)
    }

    private func bandwidth() throws -> Bandwidth? {
        guard let limitRate else { return nil }
        guard let bandwidth = Bandwidth(parsing: limitRate) else {
            throw UsageError("--limit-rate '\(limitRate)' is no rate", remedy: "write for example 10MiB/s or 800kbit/s")
        }
        return bandwidth
    }
}
