internal import CarrierHTTP
internal import CarrierLocal
internal import CarrierSCP
internal import Fabric
internal import Resolver

/// The one place that knows every carrier.
///
/// Each is made once, so that its connections serve every delivery of this process. None does anything before its first
/// delivery.
struct Composition: Sendable {
    private let builtIn: [String: any Carrier]
    private let limit: Bandwidth?

    /// The carriers for deliveries, no faster than `limit`.
    init(http: HTTPCarrierConfiguration, scp: SCPCarrierConfiguration, limit: Bandwidth? = nil) {
        var builtIn: [String: any Carrier] = [:]
        func add<Kind: Carrier>(_ carrier: Kind) { for scheme in Kind.schemes { builtIn[scheme] = carrier } }
        add(HTTPCarrier(configuration: http))
        add(SCPCarrier(configuration: scp))
        add(LocalCarrier())
        self.builtIn = builtIn
        self.limit = limit
    }

    /// The schemes that can be carried, and why others cannot.
    static let carriers = KnownCarriers(
        builtIn: Set(HTTPCarrier.schemes + SCPCarrier.schemes + LocalCarrier.schemes)
    ) { scheme in
        "no carrier for '\(scheme)' is built in"
    }

    /// The carrier for `scheme`; nil when there is none.
    func carrier(for scheme: String) -> (any Carrier)? {
        guard let carrier = builtIn[scheme] else { return nil }
        guard let limit else { return carrier }
        return BandwidthLayer(around: carrier, limit: limit)
    }
}
