package import SystemPackage

/// Whom to trust, how long to wait, and what to be called.
///
/// Proxies are taken from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` in the environment. There is no way
/// to switch off the verification of certificates.
package struct HTTPClientConfiguration: Sendable {
    /// A PEM file of the authorities to trust in place of the system's.
    package var authorities: FilePath?
    /// A PEM file with the certificate to show to servers that ask for one.
    package var clientCertificate: FilePath?
    /// A PEM file with the private key of `clientCertificate`; nil when that file holds it too.
    package var clientKey: FilePath?
    /// How long name look-up, connection and TLS handshake may take together. 10 seconds.
    package var connectTime: Duration = .seconds(10)
    /// For how long the far side may take bytes slower than `minimumRate`; then the request is stalled. Transfers are
    /// looked after sixteen times in it. 30 seconds.
    package var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    package var minimumRate: Int = 256
    /// What this program calls itself. Printable ASCII.
    package var userAgent: String = "tibet-fabric"

    /// The defaults.
    package init() {}
}
