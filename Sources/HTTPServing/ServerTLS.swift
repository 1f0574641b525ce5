internal import Fabric
package import NIOSSL
package import SystemPackage

/// The files that serving `https` needs, all in PEM.
package struct ServerTLS: Sendable {
    /// The certificate and those between it and its authority, the server's own first.
    package let certificateChain: FilePath
    /// The private key that belongs to the first certificate.
    package let privateKey: FilePath
    /// The authorities of which a client must show a certificate; nil to ask for none.
    package let clientAuthorities: FilePath?

    /// Files from their paths.
    package init(certificateChain: FilePath, privateKey: FilePath, clientAuthorities: FilePath? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
    }

    /// TLS 1.2 or later with what is in the files.
    ///
    /// - Throws: `ServingFailure.misconfigured` for files that cannot be read, or do not hold what they should.
    package func configuration() throws(ServingFailure) -> TLSConfiguration {
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificateChain.string).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: privateKey.string, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let clientAuthorities {
                configuration.trustRoots = .file(clientAuthorities.string)
                configuration.certificateVerification = .noHostnameVerification
            }
            return configuration
        } catch {
            throw failure(error)
        }
    }

    /// What it means that a server cannot be set up with these files.
    package func failure(_ error: any Error) -> ServingFailure {
        .misconfigured(
            "cannot serve https with '\(certificateChain)' and '\(privateKey)': \(error)",
            remedy: "check that both are PEM files, readable, and belong together")
    }
}
