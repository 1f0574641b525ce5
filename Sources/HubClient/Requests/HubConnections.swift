package import Fabric
package import HTTPClient
internal import Synchronization

/// How hubs are spoken to: whom to trust, how long to wait, and whose key signs.
package struct HubClientConfiguration: Sendable {
    /// Whom to trust, how long to wait, and what to be called.
    package var http = HTTPClientConfiguration()
    /// The key that signs requests; nil to send none signed.
    package var signingKey: SigningKey?
    /// For how long what a server said of itself is believed. 60 seconds.
    package var featureLifetime: Duration = .seconds(60)

    /// The defaults.
    package init(signingKey: SigningKey? = nil) { self.signingKey = signingKey }
}

/// The connections to hubs, kept for the next request, and what the hubs said of themselves.
package final class HubConnections: Sendable {
    let configuration: HubClientConfiguration
    let http: CurlClient
    private let features = Mutex<[FeatureQuestion: (features: HubFeatures, until: ContinuousClock.Instant)]>([:])

    /// Which interface of which hub was asked.
    struct FeatureQuestion: Hashable {
        let address: HubAddress
        let mailbox: HubMailbox
    }

    /// Nothing is started before the first request.
    package init(configuration: HubClientConfiguration) {
        self.configuration = configuration
        http = CurlClient(configuration: configuration.http)
    }

    /// A client of the hub at `address`.
    ///
    /// - Parameters:
    ///   - agent: Who makes the requests. They are signed in this name where there is a key.
    ///   - purpose: What the requests are made for, as errors begin: `cannot deliver to 'http://…#bob'`.
    package func client(at address: HubAddress, as agent: HubAgent?, purpose: String) -> HubClient {
        HubClient(address: address, agent: agent, purpose: purpose, connections: self)
    }

    func features(_ question: FeatureQuestion, at now: ContinuousClock.Instant = .now) -> HubFeatures? {
        features.withLock { known in
            guard let one = known[question], one.until > now else { return nil }
            return one.features
        }
    }

    func remember(_ features: HubFeatures, for question: FeatureQuestion) {
        let until = ContinuousClock.now + configuration.featureLifetime
        self.features.withLock { $0[question] = (features, until) }
    }

    /// Another server may have come in the place of the one that was asked.
    func forgetFeatures(of address: HubAddress) {
        features.withLock { known in known = known.filter { $0.key.address != address } }
    }
}
